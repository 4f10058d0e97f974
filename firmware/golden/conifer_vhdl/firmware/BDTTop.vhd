library ieee;
use ieee.std_logic_1164.all;
use ieee.std_logic_misc.all;
use ieee.numeric_std.all;

library work;
use work.Constants.all;
use work.Types.all;
use work.Arrays0;
use work.Arrays1;
use work.Arrays2;

entity BDTTop is
  port(
    clk : in std_logic;  -- clock
    X : in txArray(0 to nFeatures-1) := (others => to_tx(0));           -- input features
    X_vld : in boolean := false; -- input valid
    y : out tyArray(0 to nClasses-1) := (others => to_ty(0));            -- output score
    y_vld : out boolArray(0 to nClasses-1) := (others => false) -- output valid
  );
end BDTTop;

architecture rtl of BDTTop is
begin

  BDT0 : entity work.BDT
  generic map(
    iFeature => Arrays0.feature,
    iChildLeft => Arrays0.children_left,
    iChildRight => Arrays0.children_right,
    iParent => Arrays0.parent,
    iLeaf => Arrays0.iLeaf,
    depth => Arrays0.depth,
    threshold => to_txArray2D(Arrays0.threshold_int),
    value => to_tyArray2D(Arrays0.value_int),
    initPredict => to_ty(Arrays0.initPredict_int),
    normalisation => to_ty(1)
  )
  port map(clk => clk, X => X, X_vld => X_vld, y => y(0), y_vld => y_vld(0));

  BDT1 : entity work.BDT
  generic map(
    iFeature => Arrays1.feature,
    iChildLeft => Arrays1.children_left,
    iChildRight => Arrays1.children_right,
    iParent => Arrays1.parent,
    iLeaf => Arrays1.iLeaf,
    depth => Arrays1.depth,
    threshold => to_txArray2D(Arrays1.threshold_int),
    value => to_tyArray2D(Arrays1.value_int),
    initPredict => to_ty(Arrays1.initPredict_int),
    normalisation => to_ty(1)
  )
  port map(clk => clk, X => X, X_vld => X_vld, y => y(1), y_vld => y_vld(1));

  BDT2 : entity work.BDT
  generic map(
    iFeature => Arrays2.feature,
    iChildLeft => Arrays2.children_left,
    iChildRight => Arrays2.children_right,
    iParent => Arrays2.parent,
    iLeaf => Arrays2.iLeaf,
    depth => Arrays2.depth,
    threshold => to_txArray2D(Arrays2.threshold_int),
    value => to_tyArray2D(Arrays2.value_int),
    initPredict => to_ty(Arrays2.initPredict_int),
    normalisation => to_ty(1)
  )
  port map(clk => clk, X => X, X_vld => X_vld, y => y(2), y_vld => y_vld(2));

end rtl;
