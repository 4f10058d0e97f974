# tiny on xcvu13p-flga2577-2-e: 2.5 ns at its port 'clk'. For Vivado; other tools read the .sdc file.
create_clock -name clk -period 2.5 [get_ports clk]
set_clock_uncertainty -setup 0.3125 [get_clocks clk]
