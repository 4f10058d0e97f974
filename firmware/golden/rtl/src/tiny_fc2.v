// tiny_fc2: MatMul 'fc2', from tiny.h5 > layer 'fc2'
//   reads  act1: 3 of ufixed<4,1>
//   makes  fc2: 2 of fixed<9,4>
//   in     stages 1 to 2 of 2
// The names of signals are explained in tiny_core.
`timescale 1 ns / 1 ps

module tiny_fc2 (
    input wire clk,
    input wire [14:0] relu1_s1,
    input wire [3:0] relu1_s2,
    input wire [7:0] act1_s2,
    output wire [12:0] fc2_s3
);
    wire [3:0] relu1_1 = relu1_s1[9:6];  // ufixed<4,1>
    wire [3:0] relu1_1_r2 = relu1_s2[3:0];  // ufixed<4,1>
    wire [3:0] act1_0 = act1_s2[3:0];  // ufixed<4,1>
    wire [3:0] act1_2_r2 = act1_s2[7:4];  // ufixed<4,1>
    reg signed [6:0] fc2_1_r3;
    reg [4:0] sum1_r2;
    reg [5:0] fc2_0_r3;

    // Stage 1
    wire [4:0] sum1 = (relu1_1 <<< 2) - relu1_1;

    // Stage 2
    wire signed [6:0] sum0 = act1_2_r2 + (act1_0 <<< 1) - (relu1_1_r2 <<< 2);
    wire signed [6:0] fc2_1 = sum0 - 7'sd32;  // fixed<7,2>
    wire signed [6:0] sum2 = act1_2_r2 + sum1_r2 - act1_0;
    wire [5:0] fc2_0 = sum2 + 6'sd16;  // ufixed<6,1>

    always @(posedge clk) begin
        fc2_1_r3 <= fc2_1;
        sum1_r2 <= sum1;
        fc2_0_r3 <= fc2_0;
    end

    assign fc2_s3[5:0] = fc2_0_r3;
    assign fc2_s3[12:6] = fc2_1_r3;
endmodule
