// Self-checking test bench of tiny: reads vectors/inputs.hex and outputs.hex, waits at random between inputs,
// compares every output word and the latency. Ends with "PASS", or with a fatal error that names the first difference.
// Other vectors: +inputs=FILE +outputs=FILE.
`timescale 1 ns / 1 ps

module tb;
    localparam IN_WORDS = 2;
    localparam OUT_WORDS = 3;
    localparam LATENCY_CYCLES = 3;

    reg clk = 1'b0;
    reg rst = 1'b1;
    reg in_valid = 1'b0;
    reg [8-1:0] in_data = {8{1'b0}};
    wire out_valid;
    wire [19-1:0] out_data;

    tiny dut (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_data(in_data), .out_valid(out_valid), .out_data(out_data)
    );

    always #(1.250) clk = ~clk;

    reg [63:0] in_word [0:IN_WORDS-1];
    reg [63:0] want_word [0:OUT_WORDS-1];
    reg [63:0] got_word [0:OUT_WORDS-1];
    reg [8*1024-1:0] inputs_name;
    reg [8*1024-1:0] outputs_name;
    integer inputs, outputs, found, item, seed, sent, received, wrong, cycle, first_in, first_out, idle;

    // Reads one event; the file is over when its first word is not there.
    task read_input;
        begin
            found = 0;
            for (item = 0; item < IN_WORDS; item = item + 1)
                if ($fscanf(inputs, "%h", in_word[item]) == 1) found = found + 1;
        end
    endtask

    task check_output;
        begin
            for (item = 0; item < OUT_WORDS; item = item + 1)
                if ($fscanf(outputs, "%h", want_word[item]) != 1) $fatal(1, "more outputs than outputs.hex has");
            got_word[0] = {55'b0, out_data[8:0]};
            got_word[1] = {55'b0, out_data[17:9]};
            got_word[2] = {63'b0, out_data[18:18]};
            for (item = 0; item < OUT_WORDS; item = item + 1)
                if (got_word[item] !== want_word[item]) begin
                    if (wrong == 0)
                        $display("event %0d, word %0d: got %h, want %h", received, item, got_word[item], want_word[item]);
                    wrong = wrong + 1;
                end
        end
    endtask

    always @(negedge clk) if (out_valid === 1'b1) begin
        if (received == 0) first_out = cycle;
        check_output;
        received = received + 1;
    end

    always @(posedge clk) cycle = cycle + 1;

    initial if ($test$plusargs("wave")) begin
        $dumpfile("simulation/wave.vcd");
        $dumpvars(0, tb);
    end

    initial begin
        seed = 1; sent = 0; received = 0; wrong = 0; cycle = 0; first_in = 0; first_out = 0; idle = 0;
        if (!$value$plusargs("inputs=%s", inputs_name)) inputs_name = "vectors/inputs.hex";
        if (!$value$plusargs("outputs=%s", outputs_name)) outputs_name = "vectors/outputs.hex";
        inputs = $fopen(inputs_name, "r");
        outputs = $fopen(outputs_name, "r");
        if (inputs == 0 || outputs == 0) $fatal(1, "the vectors cannot be opened");
        repeat (4) @(negedge clk);
        rst = 1'b0;
        read_input;
        while (found == IN_WORDS) begin
            in_data[3:0] = in_word[0][3:0];
            in_data[7:4] = in_word[1][3:0];
            in_valid = 1'b1;
            if (sent == 0) first_in = cycle;
            sent = sent + 1;
            @(negedge clk);
            in_valid = 1'b0;
            in_data = ~in_data;
            idle = $random(seed);
            if (sent > 16 && idle[2:0] == 3'd0) repeat (idle[5:4] + 1) @(negedge clk);
            read_input;
        end
        repeat (LATENCY_CYCLES + 2) @(negedge clk);
        if (found != 0) $fatal(1, "inputs.hex ends inside an event");
        if (sent == 0) $fatal(1, "inputs.hex holds no event");
        if (received != sent) $fatal(1, "%0d inputs, %0d outputs", sent, received);
        if ($fscanf(outputs, "%h", want_word[0]) == 1) $fatal(1, "fewer outputs than outputs.hex has");
        if (first_out - first_in != LATENCY_CYCLES) $fatal(1, "latency %0d cycles", first_out - first_in);
        if (wrong != 0) $fatal(1, "%0d words differ", wrong);
        $display("PASS: %0d events, latency %0d cycles", received, LATENCY_CYCLES);
        $finish;
    end
endmodule
