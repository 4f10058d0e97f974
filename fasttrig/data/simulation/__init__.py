"""Simulated jets: Pythia 8 events, a simple detector, FastJet; what all samples of jets share.

Importing this package loads neither NumPy, Pythia nor FastJet; the modules inside do, when they are used.

settings    processes, windows, matching, detector: the base of the settings of every sample
events      Pythia's event records as flat arrays
detector    particles -> smeared candidates
clustering  candidates -> anti-kT jets, matching to the parent, mMDT grooming, kT subjets
subjettiness  constituents -> N-subjettiness
chunk       one class, one seed, n jets -> columns of raw integers
make        all chunks, in parallel -> one Parquet file
"""
