// The settings of a device, regardless of the signed-in user.
import { Observable } from "../core/observable";

const KEYS = { alertText: "wardline.alert-text", sound: "wardline.sound", asked: "wardline.alerts-asked" } as const;
const DEFAULTS = { alertText: false, sound: true, asked: false };

export type DeviceSetting = keyof typeof DEFAULTS;

class DeviceSettings extends Observable {
  private readonly chosen = new Map<DeviceSetting, boolean>();

  get(name: DeviceSetting): boolean {
    const chosen = this.chosen.get(name);
    if (chosen !== undefined) return chosen;
    try {
      const kept = localStorage.getItem(KEYS[name]);
      return kept === null ? DEFAULTS[name] : kept === "on";
    } catch {
      return DEFAULTS[name];
    }
  }

  set(name: DeviceSetting, value: boolean): void {
    this.chosen.set(name, value);
    try {
      localStorage.setItem(KEYS[name], value ? "on" : "off");
    } catch {
      // chosen until the page closes
    }
    this.changed();
  }
}

export const deviceSettings = new DeviceSettings();
