// Clocks from the edge that takes an input to the edge at which its output is valid, of conifer's VHDL made Verilog.
module bench;
    reg clk = 1'b0;
    reg valid = 1'b0;
    wire [`OUTPUTS-1:0] done;
    wire [`Y_BITS-1:0] y;
    integer cycle = 0, start = -1;

    BDTTop dut (.clk(clk), .X({`X_BITS{1'b0}}), .X_vld(valid), .y(y), .y_vld(done));
    always #1 clk = ~clk;
    always @(posedge clk) cycle = cycle + 1;
    always @(negedge clk) begin
        if (cycle == 50) begin
            valid = 1'b1;
            start = cycle;
        end
        if (cycle == 51) valid = 1'b0;
        if (start >= 0 && done === {`OUTPUTS{1'b1}}) begin
            $display("latency %0d", cycle - start);
            $finish;
        end
        if (cycle == 200) $fatal(1, "no output");
    end
endmodule
