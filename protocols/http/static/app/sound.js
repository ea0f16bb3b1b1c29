// @ts-check
// What one hears of a camera: how loud, of which codec, or why nothing.
import { t } from "./i18n.js";
import { html } from "./ui.js";

const NAMES = { PCMU: "G.711 µ-law", PCMA: "G.711 A-law", G726: "G.726", AAC: "AAC", OPUS: "Opus" };

/** The sound of a player that is to be heard, for people. @param {any} player */
export function heard(player) {
  const why = {
    none: t("No sound is recorded of this camera."),
    speed: t("Sound is heard at 1× only."),
    blocked: t("Click or press a key to hear the sound."),
  };
  if (!player?.sound) return "";
  return /** @type {any} */ (why)[player.hush] || (player.heard ? t("Sound: {codec}", { codec: /** @type {any} */ (NAMES)[player.heard] || player.heard }) : "");
}

/** The volume of one player, kept for the next. @param {{player: any}} p */
export const Volume = ({ player }) => html`<input type="range" class="volume" min="0" max="1" step="0.05" aria-label=${t("Volume")} title=${t("Volume")} value=${player?.video.volume ?? 1} onInput=${(/** @type {any} */ e) => player?.loud(Number(e.currentTarget.value))} />`;
