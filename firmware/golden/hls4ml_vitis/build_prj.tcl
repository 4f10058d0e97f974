# Runs the vendor's HLS tool on this project. Steps come from the environment, or from the command line:
#
#   HLS_STEPS="csim csynth" vitis-run --mode hls --tcl build_prj.tcl
#   vitis_hls -f build_prj.tcl "csim csynth cosim export vsynth"
#   vivado_hls -f build_prj.tcl "csynth reset"
#
# csim    C-simulation with the vendor's types on vectors/inputs.hex, compared with vectors/outputs.hex
# csynth  C to RTL
# cosim   RTL simulation of the same vectors through the same test bench (after csynth)
# export  IP catalogue
# vsynth  logic synthesis by Vivado (after csynth)
# reset   throw away an earlier run first

set known_steps {csim csynth cosim export vsynth reset}

proc chosen_steps {known} {
    set text "csim csynth"
    if {[info exists ::env(HLS_STEPS)]} {
        set text $::env(HLS_STEPS)
    } elseif {[info exists ::argv]} {
        # the tool's own arguments may stand there too
        set words {}
        foreach word [split [join $::argv " "]] {
            if {[lsearch -exact $known $word] >= 0} { lappend words $word }
        }
        if {[llength $words]} { set text $words }
    }
    foreach step $text {
        if {[lsearch -exact $known $step] < 0} {
            error "unknown step '$step': one of $known"
        }
    }
    return $text
}

proc wanted {step} { return [expr {[lsearch -exact $::steps $step] >= 0}] }

# Runs one step and says how long it took.
proc step {name body} {
    if {![wanted $name]} { return }
    puts "***** $name"
    set start [clock seconds]
    uplevel 1 $body
    puts "***** $name took [expr {[clock seconds] - $start}] s"
}

set here [file dirname [file normalize [info script]]]
cd $here
source [file join $here project.tcl]
set steps [chosen_steps $known_steps]

set vectors [file join $here vectors]
file mkdir [file join $here csim]
set arguments "$vectors/inputs.hex $here/csim/vendor_outputs.hex $vectors/outputs.hex"

set flags "-std=c++0x"
if {[wanted reset]} { open_project -reset ${project_name}_prj } else { open_project ${project_name}_prj }
set_top $project_name
add_files firmware/${project_name}.cpp -cflags $flags
add_files -tb testbench/csim.cpp -cflags $flags
if {[wanted reset]} { open_solution -reset solution1 } else { open_solution solution1 }
catch {config_array_partition -maximum_size $maximum_size}
config_compile -name_max_length 80
set_part $part
config_schedule -enable_dsp_full_reg=false
create_clock -period $clock_period -name default
set_clock_uncertainty $clock_uncertainty default

step csim { csim_design -argv $arguments }
step csynth { csynth_design }
step cosim { cosim_design -argv $arguments }
step export { export_design -format ip_catalog -version $version }
step vsynth { exec vivado -mode batch -source vivado_synth.tcl >@ stdout }
exit
