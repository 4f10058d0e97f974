`timescale 1 ns / 1 ps

module tiny_core_stage0 (
    input [7:0] model_inp,
    output [17:0] model_out
);

    // verilator lint_off UNUSEDSIGNAL
    // Explicit quantization operation will drop bits if exists

    wire [3:0] v0; assign v0[3:0] = model_inp[3:0];
    wire [3:0] v1; assign v1[3:0] = model_inp[7:4];
    wire [6:0] v2; ternary_adder #(4,1,0,1,4,1,0,2,4,1,1,0,7,0) op_2 (v1[3:0],v0[3:0],v0[3:0],v2[6:0]);
    wire [6:0] v3; shift_adder #(4,4,1,1,7,0,2,1) op_3 (v0[3:0],v1[3:0],v3[6:0]);
    wire [4:0] v4; negative #(4, 5, 1) op_4 (v0, v4[4:0]);
    wire [6:0] v5; shift_adder #(7,2,1,0,7,0,2,1) op_5 (v2[6:0],2'b11,v5[6:0]);
    wire [6:0] v6; shift_adder #(7,1,1,0,7,0,2,0) op_6 (v3[6:0],1'b1,v6[6:0]);
    wire [3:0] v7; assign v7[3:0] = v4[3:0] & {4{~v4[4]}};
    wire [4:0] v8; assign v8[4:0] = v5[4:0] & {5{~v5[6]}};
    wire [5:0] v9; assign v9[5:0] = v6[5:0] & {6{~v6[6]}};
    wire [4:0] v10; shift_adder #(4,4,0,0,5,0,-2,1) op_10 (v7[3:0],v7[3:0],v10[4:0]);
    wire [4:0] v11; shift_adder #(5,1,0,0,5,0,0,0) op_11 (v8[4:0],1'b1,v11[4:0]);
    wire [5:0] v12; shift_adder #(6,1,0,0,6,0,0,0) op_12 (v9[5:0],1'b1,v12[5:0]);
    wire [0:0] v13; assign v13[0:0] = v11[0:0];
    wire [0:0] v14; assign v14[0:0] = v12[0:0];
    wire [3:0] v15; assign v15[3:0] = v11[4:1];
    wire [4:0] v16; assign v16[4:0] = v12[5:1];
    wire [0:0] v17; assign v17[0:0] = v15[0:0];
    wire [0:0] v18; assign v18[0:0] = v16[0:0];
    wire [2:0] v19; assign v19[2:0] = v15[3:1];
    wire [3:0] v20; assign v20[3:0] = v16[4:1];
    wire [0:0] v21; binop #(1,1,0,0,1,0,0) op_21 (v13, v17, v21[0:0]);
    wire [0:0] v22; binop #(1,1,0,0,1,0,0) op_22 (v14, v18, v22[0:0]);
    wire [3:0] v23; shift_adder #(3,1,0,0,4,0,-1,0) op_23 (v19[2:0],v21[0:0],v23[3:0]);
    wire [4:0] v24; shift_adder #(4,1,0,0,5,0,-1,0) op_24 (v20[3:0],v22[0:0],v24[4:0]);
    wire [3:0] v25; assign v25[3:0] = v24[3:0];
    wire [0:0] v26; assign v26[0:0] = v24[4:4];
    wire [0:0] v27; negative #(1, 1, 0) op_27 (v26, v27[0:0]);

    // verilator lint_on UNUSEDSIGNAL

    assign model_out[3:0] = v7[3:0];
    assign model_out[8:4] = v10[4:0];
    assign model_out[12:9] = v23[3:0];
    assign model_out[16:13] = v25[3:0];
    assign model_out[17:17] = v27[0:0];

endmodule
