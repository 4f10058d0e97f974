-- Self-checking test bench of tiny: reads vectors/inputs.hex and outputs.hex, waits between inputs, compares every
-- output word and the latency. Ends with "PASS", or with a failure that names the first difference.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use std.env.all;
use std.textio.all;

entity tb is
    generic (
        INPUTS_FILE : string := "vectors/inputs.hex";
        OUTPUTS_FILE : string := "vectors/outputs.hex"
    );
end entity tb;

architecture bench of tb is
    constant IN_WORDS : positive := 2;
    constant OUT_WORDS : positive := 3;
    constant LATENCY_CYCLES : positive := 3;
    constant HALF_PERIOD : time := 1250 ps;

    type words is array (natural range <>) of std_logic_vector(63 downto 0);

    signal clk : std_logic := '0';
    signal rst : std_logic := '1';
    signal in_valid : std_logic := '0';
    signal in_data : std_logic_vector(8 - 1 downto 0) := (others => '0');
    signal out_valid : std_logic;
    signal out_data : std_logic_vector(19 - 1 downto 0);
    signal cycle, sent, received, first_in, first_out : natural := 0;

    -- A word of any number of digits.
    procedure read_word(source : inout line; word : out std_logic_vector(63 downto 0); good : out boolean) is
        variable letter : character;
        variable taken : boolean := source /= null;
        variable value : unsigned(63 downto 0) := (others => '0');
    begin
        good := false;
        while taken and source'length > 0 loop
            read(source, letter, taken);
            exit when letter = ' ';
            case letter is
                when '0' to '9' => value := value(59 downto 0) & to_unsigned(character'pos(letter) - 48, 4);
                when 'a' to 'f' => value := value(59 downto 0) & to_unsigned(character'pos(letter) - 87, 4);
                when others => report "not a digit: " & letter severity failure;
            end case;
            good := true;
        end loop;
        word := std_logic_vector(value);
    end procedure;
begin
    dut : entity work.tiny port map (
        clk => clk, rst => rst, in_valid => in_valid, in_data => in_data, out_valid => out_valid, out_data => out_data
    );

    clk <= not clk after HALF_PERIOD;
    cycle <= cycle + 1 when rising_edge(clk);

    send : process
        file inputs : text open read_mode is INPUTS_FILE;
        variable row : line;
        variable word : words(0 to IN_WORDS - 1);
        variable good : boolean;
    begin
        for i in 1 to 4 loop
            wait until falling_edge(clk);
        end loop;
        rst <= '0';
        while not endfile(inputs) loop
            readline(inputs, row);
            for item in word'range loop
                read_word(row, word(item), good);
                assert good report "a line of inputs.hex is too short" severity failure;
            end loop;
            in_data(3 downto 0) <= word(0)(3 downto 0);
            in_data(7 downto 4) <= word(1)(3 downto 0);
            in_valid <= '1';
            if sent = 0 then
                first_in <= cycle;
            end if;
            sent <= sent + 1;
            wait until falling_edge(clk);
            in_valid <= '0';
            in_data <= not in_data;
            if sent > 16 and (sent * 7) mod 11 < 3 then
                for i in 0 to sent mod 3 loop
                    wait until falling_edge(clk);
                end loop;
            end if;
        end loop;
        for i in 1 to LATENCY_CYCLES + 3 loop
            wait until falling_edge(clk);
        end loop;
        assert sent > 0 report "inputs.hex holds no event" severity failure;
        assert received = sent report "inputs and outputs differ in number" severity failure;
        assert first_out - first_in = LATENCY_CYCLES report "another latency" severity failure;
        report "PASS: " & integer'image(received) & " events, latency " & integer'image(LATENCY_CYCLES) & " cycles";
        finish;
    end process;

    check : process
        file outputs : text open read_mode is OUTPUTS_FILE;
        variable row : line;
        variable want, got : words(0 to OUT_WORDS - 1);
        variable good : boolean;
    begin
        wait until falling_edge(clk) and out_valid = '1';
        if received = 0 then
            first_out <= cycle;
        end if;
        assert not endfile(outputs) report "more outputs than outputs.hex has" severity failure;
        readline(outputs, row);
        got := (others => (others => '0'));
        got(0)(8 downto 0) := out_data(8 downto 0);
        got(1)(8 downto 0) := out_data(17 downto 9);
        got(2)(0 downto 0) := out_data(18 downto 18);
        for item in want'range loop
            read_word(row, want(item), good);
            assert good report "a line of outputs.hex is too short" severity failure;
            assert got(item) = want(item)
                report "event " & integer'image(received) & ", word " & integer'image(item) & ": got " &
                to_hstring(got(item)) & ", want " & to_hstring(want(item)) severity failure;
        end loop;
        received <= received + 1;
    end process;
end architecture bench;
