// tiny_core: the pipeline of tiny, 2 stages
// after a register at the input. One module for each op that makes something:
//   x: tiny_x, registers only; x: 2 of fixed<4,2>
//   fc1: tiny_fc1, stage 1; fc1: 3 of fixed<7,3>
//   relu1: tiny_relu1, stage 1; relu1: 3 of ufixed<6,2>
//   act1: tiny_act1, stages 1 to 2; act1: 3 of ufixed<4,1>
//   fc2: tiny_fc2, stages 1 to 2; fc2: 2 of fixed<9,4>
//   best: no logic of its own: other signals are its elements; best: 1 of ufixed<1,1>
// NAME_3 is element 3 of the tensor NAME, row by row, in the stage that makes it; NAME_3_plus is the element plus
// a constant of the next op. NAME_3_r5 is its register in stage 5, bus NAME_s5 what other modules read in stage 5.
`timescale 1 ns / 1 ps

module tiny_core (
    input wire clk,
    input wire [7:0] in_data,
    output wire [18:0] out_data
);
    wire [7:0] x_s1;
    wire [13:0] fc1_s1;
    wire [14:0] relu1_s1;
    wire [3:0] relu1_s2;
    wire [7:0] act1_s2;
    wire [12:0] fc2_s3;

    tiny_x x (
        .clk(clk),
        .x_s0(in_data[7:0]),
        .x_s1(x_s1)
    );

    tiny_fc1 fc1 (
        .x_s1(x_s1),
        .fc1_s1(fc1_s1)
    );

    tiny_relu1 relu1 (
        .clk(clk),
        .x_s1(x_s1),
        .fc1_s1(fc1_s1),
        .relu1_s1(relu1_s1),
        .relu1_s2(relu1_s2)
    );

    tiny_act1 act1 (
        .clk(clk),
        .relu1_s1(relu1_s1),
        .act1_s2(act1_s2)
    );

    tiny_fc2 fc2 (
        .clk(clk),
        .relu1_s1(relu1_s1),
        .relu1_s2(relu1_s2),
        .act1_s2(act1_s2),
        .fc2_s3(fc2_s3)
    );

    assign out_data[8:0] = {3'b0, fc2_s3[5:0]};
    assign out_data[17:9] = {{2{fc2_s3[12]}}, fc2_s3[12:6]};
    assign out_data[18] = 1'd0;
endmodule
