-- tiny_core: the pipeline of tiny, 2 stages
-- after a register at the input. One module for each op that makes something:
--   x: tiny_x, registers only; x: 2 of fixed<4,2>
--   fc1: tiny_fc1, stage 1; fc1: 3 of fixed<7,3>
--   relu1: tiny_relu1, stage 1; relu1: 3 of ufixed<6,2>
--   act1: tiny_act1, stages 1 to 2; act1: 3 of ufixed<4,1>
--   fc2: tiny_fc2, stages 1 to 2; fc2: 2 of fixed<9,4>
--   best: no logic of its own: other signals are its elements; best: 1 of ufixed<1,1>
-- NAME_3 is element 3 of the tensor NAME, row by row, in the stage that makes it; NAME_3_plus is the element plus
-- a constant of the next op. NAME_3_r5 is its register in stage 5, bus NAME_s5 what other modules read in stage 5.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity tiny_core is
    port (
        clk : in std_logic;
        in_data : in std_logic_vector(7 downto 0);
        out_data : out std_logic_vector(18 downto 0)
    );
end entity tiny_core;

architecture rtl of tiny_core is
    signal x_s1 : std_logic_vector(7 downto 0);
    signal fc1_s1 : std_logic_vector(13 downto 0);
    signal relu1_s1 : std_logic_vector(14 downto 0);
    signal relu1_s2 : std_logic_vector(3 downto 0);
    signal act1_s2 : std_logic_vector(7 downto 0);
    signal fc2_s3 : std_logic_vector(12 downto 0);
begin
    x : entity work.tiny_x port map (
        clk => clk,
        x_s0 => in_data(7 downto 0),
        x_s1 => x_s1
    );

    fc1 : entity work.tiny_fc1 port map (
        x_s1 => x_s1,
        fc1_s1 => fc1_s1
    );

    relu1 : entity work.tiny_relu1 port map (
        clk => clk,
        x_s1 => x_s1,
        fc1_s1 => fc1_s1,
        relu1_s1 => relu1_s1,
        relu1_s2 => relu1_s2
    );

    act1 : entity work.tiny_act1 port map (
        clk => clk,
        relu1_s1 => relu1_s1,
        act1_s2 => act1_s2
    );

    fc2 : entity work.tiny_fc2 port map (
        clk => clk,
        relu1_s1 => relu1_s1,
        relu1_s2 => relu1_s2,
        act1_s2 => act1_s2,
        fc2_s3 => fc2_s3
    );

    out_data(8 downto 0) <= std_logic_vector(resize(unsigned(fc2_s3(5 downto 0)), 9));
    out_data(17 downto 9) <= std_logic_vector(resize(signed(fc2_s3(12 downto 6)), 9));
    out_data(18 downto 18) <= std_logic_vector(unsigned'("0"));
end architecture rtl;
