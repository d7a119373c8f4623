"""What comes out of the page's loudspeaker."""

from __future__ import annotations

import numpy as np
from playwright.async_api import Page

from tests.browser.sound import STEP, Levels

# Whatever is connected to the loudspeaker goes into one meter as well: [seconds, rms] of each block.
LISTEN = """
window.heard = [];
const meters = new WeakMap();
const connect = AudioNode.prototype.connect;
function meterOf(context) {
  if (!meters.has(context)) {
    const meter = context.createScriptProcessor(256, 1, 1);
    meter.onaudioprocess = ({ inputBuffer, playbackTime }) => {
      const samples = inputBuffer.getChannelData(0);
      const sum = samples.reduce((total, x) => total + x * x, 0);
      window.heard.push([playbackTime, Math.sqrt(sum / samples.length)]);
    };
    connect.call(meter, context.destination);
    meters.set(context, meter);
  }
  return meters.get(context);
}
AudioNode.prototype.connect = function (to, ...rest) {
  if (to === this.context.destination) {
    connect.call(this, meterOf(this.context));
  }
  return connect.call(this, to, ...rest);
};
"""


async def heard(page: Page, seconds: float) -> Levels:
    """Loudness every `STEP` seconds of the next `seconds`; empty blocks before the sound are cut."""
    await page.evaluate("window.heard.length = 0")
    await page.wait_for_function(
        "(seconds) => window.heard.length > 1 &&"
        " window.heard.at(-1)[0] - window.heard[0][0] > seconds",
        arg=seconds,
    )
    blocks = np.array(await page.evaluate("window.heard"))
    times = np.arange(blocks[0, 0], blocks[-1, 0], STEP)
    loudness: Levels = np.interp(times, blocks[:, 0], blocks[:, 1])
    return loudness
