-- The trees of output 0: raw integers, every tree filled up to the same depth.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.Constants.all;
use work.Types.all;

package Arrays0 is

  constant initPredict_int : integer := 4;

  constant feature : intArray2DnNodes(0 to nTrees - 1) := (
    0 => (0, 1, -2, -2, 1, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2),
    1 => (0, 1, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2)
  );

  constant threshold_int : intArray2DnNodes(0 to nTrees - 1) := (
    0 => (3, -4, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    1 => (7, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
  );

  constant value_int : intArray2DnNodes(0 to nTrees - 1) := (
    0 => (0, 0, 5, -6, 0, 5, 0, -6, 0, 12, -3, 5, 0, 0, 0),
    1 => (0, 0, 7, 12, -3, 7, 0, 12, 0, -3, 0, 7, 0, 0, 0)
  );

  constant children_left : intArray2DnNodes(0 to nTrees - 1) := (
    0 => (1, 3, 5, 7, 9, 11, 13, -1, -1, -1, -1, -1, -1, -1, -1),
    1 => (1, 3, 5, 7, 9, 11, 13, -1, -1, -1, -1, -1, -1, -1, -1)
  );

  constant children_right : intArray2DnNodes(0 to nTrees - 1) := (
    0 => (2, 4, 6, 8, 10, 12, 14, -1, -1, -1, -1, -1, -1, -1, -1),
    1 => (2, 4, 6, 8, 10, 12, 14, -1, -1, -1, -1, -1, -1, -1, -1)
  );

  constant parent : intArray2DnNodes(0 to nTrees - 1) := (
    0 => (-1, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6),
    1 => (-1, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6)
  );

  constant depth : intArray2DnNodes(0 to nTrees - 1) := (
    0 => (0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3),
    1 => (0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3)
  );

  constant iLeaf : intArray2DnLeaves(0 to nTrees - 1) := (
    0 => (7, 8, 9, 10, 11, 12, 13, 14),
    1 => (7, 8, 9, 10, 11, 12, 13, 14)
  );

end Arrays0;
