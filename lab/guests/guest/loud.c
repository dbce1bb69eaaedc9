// SPDX-License-Identifier: GPL-2.0
/* All volumes of the first sound card, which drivers begin with at nothing. */
#include <fcntl.h>
#include <linux/soundcard.h>
#include <stdio.h>
#include <sys/ioctl.h>

int main(void)
{
	int fd = open("/dev/mixer", O_RDWR), set = 0;

	if (fd < 0) {
		perror("/dev/mixer");
		return 1;
	}
	if (ioctl(fd, SOUND_MIXER_READ_DEVMASK, &set) < 0) {
		perror("mixer");
		return 1;
	}
	for (int channel = 0; channel < SOUND_MIXER_NRDEVICES; channel++) {
		int volume = 100 << 8 | 100;

		if (set & 1 << channel && ioctl(fd, MIXER_WRITE(channel), &volume) < 0) {
			perror("volume");
			return 1;
		}
	}
	return 0;
}
