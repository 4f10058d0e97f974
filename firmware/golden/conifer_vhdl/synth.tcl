# Logic synthesis with Vivado, at the target's clock: vivado -mode batch -source synth.tcl
foreach file {Constants Split Types Tree AddReduce Arrays0 Arrays1 Arrays2 BDT BDTTop} { read_vhdl -vhdl2008 -library BDT firmware/$file.vhd }
read_xdc -mode out_of_context clock.xdc
synth_design -top BDTTop -part xcvu13p-flga2577-2-e -mode out_of_context
report_utilization -file util.rpt
report_timing_summary -file timing.rpt
