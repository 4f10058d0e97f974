# Logic synthesis with Vivado: vivado -mode batch -source synth.tcl
foreach file {Constants Split Types Tree AddReduce Arrays0 Arrays1 Arrays2 BDT BDTTop} { read_vhdl -vhdl2008 -library BDT firmware/$file.vhd }
synth_design -top BDTTop -part xcvu13p-flga2577-2-e -mode out_of_context
report_utilization -file util.rpt
