// tiny: 2 numbers in, 3 out, written by fasttrig.
//
// One event a clock. Elements lie contiguously, element 0 at the least significant bit, each in its own width:
//   in_data[7:0]  x: 2 x fixed<4,2>
//   out_data[17:0]  fc2: 2 x fixed<9,4>
//   out_data[18:18]  best: 1 x ufixed<1,1>
// `rst` is synchronous and active high; it clears the valid bits, not the data. There is no back-pressure.
`timescale 1 ns / 1 ps

module tiny (
    input wire clk,
    input wire rst,
    input wire in_valid,
    input wire [8-1:0] in_data,
    output wire out_valid,
    output wire [19-1:0] out_data
);
    // From the clock edge that takes an input to the edge at which its output can be taken.
    localparam LATENCY_CYCLES = 3;

    reg [LATENCY_CYCLES-1:0] valid;

    always @(posedge clk) begin
        if (rst) valid <= {LATENCY_CYCLES{1'b0}};
        else valid <= {valid[LATENCY_CYCLES-2:0], in_valid};
    end
    assign out_valid = valid[LATENCY_CYCLES-1];

    tiny_core core (.clk(clk), .in_data(in_data), .out_data(out_data));
endmodule
