"""The sample `hbb`: jets of a boosted Higgs boson to two b quarks against QCD jets; Pythia 8, FastJet, vertices.

settings  processes, windows, tracker
columns   the 27 features and what stands beside them
vertices  displaced tracks -> secondary vertices
measure   jets -> the columns of the sample
"""
