-- tiny: 2 numbers in, 3 out, written by fasttrig.
--
-- One event a clock. Elements lie contiguously, element 0 at the least significant bit, each in its own width:
--   in_data[7:0]  x: 2 x fixed<4,2>
--   out_data[17:0]  fc2: 2 x fixed<9,4>
--   out_data[18:18]  best: 1 x ufixed<1,1>
-- `rst` is synchronous and active high; it clears the valid bits, not the data. There is no back-pressure.
library ieee;
use ieee.std_logic_1164.all;

entity tiny is
    port (
        clk : in std_logic;
        rst : in std_logic;
        in_valid : in std_logic;
        in_data : in std_logic_vector(8 - 1 downto 0);
        out_valid : out std_logic;
        out_data : out std_logic_vector(19 - 1 downto 0)
    );
end entity tiny;

architecture rtl of tiny is
    -- From the clock edge that takes an input to the edge at which its output can be taken.
    constant LATENCY_CYCLES : positive := 3;

    signal valid : std_logic_vector(LATENCY_CYCLES - 1 downto 0) := (others => '0');
begin
    process (clk)
    begin
        if rising_edge(clk) then
            if rst = '1' then
                valid <= (others => '0');
            else
                valid <= valid(LATENCY_CYCLES - 2 downto 0) & in_valid;
            end if;
        end if;
    end process;
    out_valid <= valid(LATENCY_CYCLES - 1);

    core : entity work.tiny_core port map (clk => clk, in_data => in_data, out_data => out_data);
end architecture rtl;
