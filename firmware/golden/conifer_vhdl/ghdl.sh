# Analyses and elaborates this project with GHDL: sh ghdl.sh && ghdl -r --std=08 --work=xil_defaultlib testbench
set -e
for file in Constants Split Types Tree AddReduce Arrays0 Arrays1 Arrays2 BDT BDTTop; do
    ghdl -a --std=08 --work=BDT firmware/$file.vhd
done
for file in SimulationInput SimulationOutput BDTTestbench; do
    ghdl -a --std=08 --work=xil_defaultlib firmware/$file.vhd
done
ghdl -e --std=08 --work=xil_defaultlib testbench
