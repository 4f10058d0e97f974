// tiny_fc1: MatMul 'fc1', from tiny.h5 > layer 'fc1'
//   reads  x: 2 of fixed<4,2>
//   makes  fc1: 3 of fixed<7,3>
//   in     stage 1 of 2
// The names of signals are explained in tiny_core.
`timescale 1 ns / 1 ps

module tiny_fc1 (
    input wire [7:0] x_s1,
    output wire [13:0] fc1_s1
);
    wire signed [3:0] x_0_r1 = x_s1[3:0];  // fixed<4,2>
    wire signed [3:0] x_1_r1 = x_s1[7:4];  // fixed<4,2>

    // Stage 1
    wire signed [6:0] sum0 = x_0_r1 - (x_1_r1 <<< 2);
    wire signed [6:0] fc1_0 = sum0 + 4'sd4;  // fixed<7,3>
    wire signed [6:0] sum1 = (x_1_r1 <<< 1) + (x_0_r1 <<< 2) - x_0_r1;
    wire signed [6:0] fc1_2 = sum1 - 5'sd12;  // fixed<7,3>

    assign fc1_s1[6:0] = fc1_0;
    assign fc1_s1[13:7] = fc1_2;
endmodule
