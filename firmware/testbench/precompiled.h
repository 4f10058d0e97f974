// What every project's C++ includes, compiled once per machine (fasttrig, toolchain/precompiled.py).
#include "ap_fixed.h"
#include "ap_int.h"
#include "hls_stream.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <sys/stat.h>
#include <tuple>
#include <vector>
