// A menu as a layer, opened by its target.
import { Menu, type MenuProps } from "@mantine/core";
import { useState } from "react";
import { useLayer } from "./useLayer";

export function LayerMenu({ children, ...props }: MenuProps) {
  const [opened, setOpened] = useState(false);
  return (
    <Menu {...props} opened={opened} onChange={setOpened} closeOnEscape={false}>
      {opened && <Open close={() => setOpened(false)} />}
      {children}
    </Menu>
  );
}

function Open({ close }: { close(): void }) {
  useLayer(close);
  return null;
}
