`timescale 1 ns / 1 ps

module tiny_core (
    input clk,
    input wire [7:0] model_inp,
    output reg [12:0] model_out
);

    wire [7:0] INTERNAL_logic0_inp;
    wire [17:0] INTERNAL_logic0_outp;
    wire [17:0] INTERNAL_logic1_inp;
    wire [12:0] INTERNAL_logic1_outp;
    reg [7:0] model_inp_reg;
    reg [17:0] stage1_inp;

    tiny_core_stage0 _inst_logic0 (.model_inp(INTERNAL_logic0_inp), .model_out(INTERNAL_logic0_outp));
    tiny_core_stage1 _inst_logic1 (.model_inp(INTERNAL_logic1_inp), .model_out(INTERNAL_logic1_outp));

    assign INTERNAL_logic0_inp[7:0] = model_inp_reg[7:0];
    assign INTERNAL_logic1_inp[17:0] = stage1_inp[17:0];

    always @(posedge clk) begin
            model_inp_reg[7:0] <= model_inp[7:0];
        stage1_inp[17:0] <= INTERNAL_logic0_outp[17:0];
        model_out[12:0] <= INTERNAL_logic1_outp[12:0];
        end

endmodule
