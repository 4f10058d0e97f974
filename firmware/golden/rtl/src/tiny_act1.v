// tiny_act1: Cast 'act1', from tiny.h5 > layer 'relu1'
//   reads  relu1: 3 of ufixed<6,2>
//   makes  act1: 3 of ufixed<4,1>
//   in     stages 1 to 2 of 2
// The names of signals are explained in tiny_core.
`timescale 1 ns / 1 ps

module tiny_act1 (
    input wire clk,
    input wire [14:0] relu1_s1,
    output wire [7:0] act1_s2
);
    wire [5:0] relu1_0 = relu1_s1[5:0];  // ufixed<6,2>
    wire [4:0] relu1_2 = relu1_s1[14:10];  // ufixed<5,1>
    reg signed [0:0] negative0_r2;
    reg [3:0] bits6_r2;
    reg [3:0] act1_2_r2;

    // Stage 1
    wire [5:0] sum0 = relu1_0 + 1'd1;
    wire [4:0] bits0 = sum0[5:1];
    wire [3:0] bits1 = bits0[4:1];
    wire [0:0] bits2 = bits0[0];
    wire [0:0] bits3 = sum0[0];
    wire [0:0] joined0 = bits3 & bits2;
    wire [4:0] sum1 = (bits1 <<< 1) + joined0;
    wire [0:0] bits4 = sum1[4];
    wire signed [0:0] negative0 = -bits4;
    wire [3:0] bits6 = sum1[3:0];
    wire [4:0] sum2 = relu1_2 + 1'd1;
    wire [3:0] bits7 = sum2[4:1];
    wire [2:0] bits8 = bits7[3:1];
    wire [0:0] bits9 = bits7[0];
    wire [0:0] bits10 = sum2[0];
    wire [0:0] joined1 = bits10 & bits9;
    wire [3:0] act1_2 = (bits8 <<< 1) + joined1;  // ufixed<4,1>

    // Stage 2
    wire [3:0] bits5 = {{3{negative0_r2[0]}}, negative0_r2};
    wire [3:0] act1_0 = bits6_r2 | bits5;  // ufixed<4,1>

    always @(posedge clk) begin
        negative0_r2 <= negative0;
        bits6_r2 <= bits6;
        act1_2_r2 <= act1_2;
    end

    assign act1_s2[3:0] = act1_0;
    assign act1_s2[7:4] = act1_2_r2;
endmodule
