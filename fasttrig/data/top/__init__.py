"""The sample `top`: jets of hadronic top quarks against QCD jets, pt 550-650 GeV; Pythia 8 and FastJet.

settings      processes and windows
columns       constituents, N-subjettiness, energy flow polynomials
energy_flow   constituents -> energy flow polynomials
measure       jets -> the columns of the sample
"""
