# tiny: 2.5 ns at its port 'clk'.
create_clock -name clk -period 2.5 [get_ports {clk}]
set_clock_uncertainty -setup 0.3125 [get_clocks {clk}]
