# Logic synthesis of the RTL that csynth left behind, out of context.
set here [file dirname [file normalize [info script]]]
source [file join $here project.tcl]

read_verilog [glob [file join $here ${project_name}_prj solution1 syn verilog *.v]]
synth_design -top $project_name -part $part -mode out_of_context
report_utilization -file [file join $here vivado_synth.rpt]
