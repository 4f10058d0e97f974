-- tiny_fc1: MatMul 'fc1', from tiny.h5 > layer 'fc1'
--   reads  x: 2 of fixed<4,2>
--   makes  fc1: 3 of fixed<7,3>
--   in     stage 1 of 2
-- The names of signals are explained in tiny_core.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity tiny_fc1 is
    port (
        x_s1 : in std_logic_vector(7 downto 0);
        fc1_s1 : out std_logic_vector(13 downto 0)
    );
end entity tiny_fc1;

architecture rtl of tiny_fc1 is
    signal x_0_r1 : signed(3 downto 0);  -- fixed<4,2>
    signal x_1_r1 : signed(3 downto 0);  -- fixed<4,2>
    signal sum0 : signed(6 downto 0);
    signal fc1_0 : signed(6 downto 0);  -- fixed<7,3>
    signal sum1 : signed(6 downto 0);
    signal fc1_2 : signed(6 downto 0);  -- fixed<7,3>
begin
    x_0_r1 <= signed(x_s1(3 downto 0));
    x_1_r1 <= signed(x_s1(7 downto 4));

    -- Stage 1
    sum0 <= resize(x_0_r1, 7) - shift_left(resize(x_1_r1, 7), 2);
    fc1_0 <= sum0 + signed'("0000100");
    sum1 <= shift_left(resize(x_1_r1, 7), 1) + shift_left(resize(x_0_r1, 7), 2) - resize(x_0_r1, 7);
    fc1_2 <= sum1 - signed'("0001100");

    fc1_s1(6 downto 0) <= std_logic_vector(fc1_0);
    fc1_s1(13 downto 7) <= std_logic_vector(fc1_2);
end architecture rtl;
