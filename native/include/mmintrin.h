// Eigen includes the header of MMX, which WebAssembly does not have and Eigen does not use.
#pragma once
