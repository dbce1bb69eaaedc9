# SPDX-License-Identifier: GPL-2.0
"""A tone is played, and is in the file that the sound goes to."""

import array
import statistics

from outside import Wrong

from .base import Use

# What the guest plays, and what the backend writes by default
TONE, SECONDS = 500, 3
RATE, HEADER = 44100, 44
# Below that it is silence.
QUIET = 500


class Sound(Use):
    modules = ("snd-pcm-oss", "snd-mixer-oss")
    programs = ("loud",)
    opens_later = True
    words = f"plays a square wave of {TONE} Hz for {SECONDS} s; the file that the sound goes to"

    def values(self):
        return {"audio": f"wav,id=sound,path={self.folder}/sound.wav"}

    def samples(self):
        """Of the left channel"""
        with open(f"{self.folder}/sound.wav", "rb") as file:
            data = file.read()[HEADER:]
        return array.array("h", data[:len(data) // 4 * 4])[::2]

    def check(self, results):
        samples = self.samples()
        loud = [(at, sample > 0) for at, sample in enumerate(samples) if abs(sample) > QUIET]
        turns = [at for (_, before), (at, now) in zip(loud, loud[1:]) if before != now]
        gaps = [after - before for before, after in zip(turns, turns[1:])]
        if len(turns) < TONE * SECONDS:
            raise Wrong(f"{len(turns)} changes of sign in {len(samples)} samples,"
                        f" and should be {2 * TONE * SECONDS}")
        tone = RATE / 2 / statistics.mean(gap for gap in gaps if gap < RATE / TONE)
        if abs(tone / TONE - 1) > 0.05:
            raise Wrong(f"a tone of {tone:.0f} Hz, and should be {TONE}")
        return f"a tone of {tone:.0f} Hz for {len(turns) / 2 / TONE:.1f} s"
