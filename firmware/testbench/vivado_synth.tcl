# Logic synthesis of the RTL that csynth left behind, out of context, at the target's clock.
set here [file dirname [file normalize [info script]]]
source [file join $here project.tcl]

read_verilog [glob [file join $here ${project_name}_prj solution1 syn verilog *.v]]
set memories [glob -nocomplain [file join $here ${project_name}_prj solution1 syn verilog *.dat]]
if {[llength $memories]} { read_mem $memories }
read_xdc -mode out_of_context [file join $here clock.xdc]
synth_design -top $project_name -part $part -mode out_of_context
report_utilization -file [file join $here vivado_synth.rpt]
report_timing_summary -file [file join $here vivado_timing.rpt]
