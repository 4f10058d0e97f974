// tiny_relu1: Relu 'relu1', from tiny.h5 > layer 'relu1'
//   reads  fc1: 3 of fixed<7,3>
//   makes  relu1: 3 of ufixed<6,2>
//   in     stage 1 of 2
// The names of signals are explained in tiny_core.
`timescale 1 ns / 1 ps

module tiny_relu1 (
    input wire clk,
    input wire [7:0] x_s1,
    input wire [13:0] fc1_s1,
    output wire [14:0] relu1_s1,
    output wire [3:0] relu1_s2
);
    wire signed [3:0] x_0_r1 = x_s1[3:0];  // fixed<4,2>
    wire signed [6:0] fc1_0 = fc1_s1[6:0];  // fixed<7,3>
    wire signed [6:0] fc1_2 = fc1_s1[13:7];  // fixed<7,3>
    reg [3:0] relu1_1_r2;

    // Stage 1
    wire [5:0] relu1_0 = fc1_0[5:0] & {6{~fc1_0[6]}};  // ufixed<6,2>
    wire [4:0] relu1_2 = fc1_2[4:0] & {5{~fc1_2[6]}};  // ufixed<5,1>
    wire signed [4:0] negative0 = -x_0_r1;
    wire [3:0] relu1_1 = negative0[3:0] & {4{~negative0[4]}};  // ufixed<4,1>

    always @(posedge clk) begin
        relu1_1_r2 <= relu1_1;
    end

    assign relu1_s1[5:0] = relu1_0;
    assign relu1_s1[9:6] = relu1_1;
    assign relu1_s1[14:10] = relu1_2;
    assign relu1_s2[3:0] = relu1_1_r2;
endmodule
