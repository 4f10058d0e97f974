# tiny on xcvu13p-flga2577-2-e: 2.5 ns. Vivado reads it; clock.sdc is for the others.
create_clock -name clk -period 2.5 [get_ports clk]
set_clock_uncertainty -setup 0.3125 [get_clocks clk]
