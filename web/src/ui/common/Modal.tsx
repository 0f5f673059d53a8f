// A dialog as a layer: Escape and Back close it when it is the topmost, and the focus goes back to what opened it.
import { Modal as Plain, type ModalProps } from "@mantine/core";
import { useLayer } from "./useLayer";

export function Modal(props: ModalProps) {
  const { attributes, closeOnEscape = true } = props;
  useLayer(props.onClose, { active: props.opened, locked: !closeOnEscape });
  const content = { ...attributes?.content, "data-layer": "" };
  return <Plain {...props} closeOnEscape={false} returnFocus={false} attributes={{ ...attributes, content }} />;
}
