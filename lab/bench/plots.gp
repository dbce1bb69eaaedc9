# SPDX-License-Identifier: GPL-2.0
# usage: gnuplot -e "folder='FOLDER'; peers='FILE'" plots.gp
set terminal svg size 900,460 font "sans,13" background "white"
set datafile separator "\t"
set style fill solid 0.9 noborder
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
set key top left
set ylabel "thousand instructions per access"

vcpu = "#3465a4"
emulator = "#f57900"

# MMIO loads and stores, by who serves them, both sides stacked.
set style data histograms
set style histogram rowstacked
set boxwidth 0.7
set xtics rotate by -25 nooffset
do for [access in "mmio-load mmio-store"] {
	set output sprintf("%s/%s.svg", folder, access)
	set title sprintf("%s, by who serves it (one and two CPUs in the machine)", access)
	set yrange [0:*]
	rows = sprintf("< awk -F'\\t' '$1 == \"%s\"' %s/accesses.tsv", access, folder)
	plot rows using ($4/1000):xtic(sprintf("%s, %s", stringcolumn(2), stringcolumn(3))) \
			title "vCPU's side" lc rgb vcpu, \
		rows using ($5/1000) title "emulator's side" lc rgb emulator
}

# Against the number of vCPUs, devices, and requests taken by one read().
set style data linespoints
set xtics norotate
set logscale x 2
do for [axis in "vcpus devices batch"] {
	set output sprintf("%s/%s.svg", folder, axis)
	set title sprintf("one access, against: %s", axis)
	set yrange [0:*]
	rows(access, server) = sprintf("< awk -F'\\t' '$1 == \"%s\" && $3 == \"%s\" && $4 ~ \"^%s\"' %s/scaling.tsv", \
		axis, access, server, folder)
	if (axis eq "batch") {
		plot rows("mmio-store", "user-device") using 2:(($6+$7)/1000) title "posted store" lc rgb vcpu lw 2 pt 7
	} else {
		plot rows("mmio-store", "user-device") using 2:(($6+$7)/1000) title "posted store" lc rgb vcpu lw 2 pt 7, \
			rows("mmio-load", "user-device(-epoll)?$") using 2:(($6+$7)/1000) title "side-effect load" lc rgb emulator lw 2 pt 7, \
			rows("mmio-load", "user-device-shadow") using 2:(($6+$7)/1000) title "shadow load" lc rgb "#4e9a06" lw 2 pt 7
	}
}

# A whole guest: one request at a time, by who emulates its device.
unset logscale x
set style data histograms
set style histogram clustered gap 1
set xtics rotate by -25 nooffset
set boxwidth 0.9 relative
set output sprintf("%s/guest.svg", folder)
set title "a whole guest: one request at a time, a ping, or 1 MiB"
set ylabel "million instructions per operation"
set logscale y
set yrange [*:*]
guest(path) = sprintf("< awk -F'\\t' '$6 == \"%s\" && $5 != \"16\" && $2 != \"file\"' %s/whole-guest.tsv", path, folder)
name(device, operation, size) = sprintf("%s, %s %s", device, operation, size)
plot guest("in-process") using ($7/1e6):xtic(name(stringcolumn(1), stringcolumn(3), stringcolumn(4))) \
		title "in-process" lc rgb "#4e9a06", \
	guest("socket") using ($7/1e6) title "socket" lc rgb emulator, \
	guest("user-device") using ($7/1e6) title "user device" lc rgb vcpu

# What a user would take instead: each against the device in QEMU's own process.
unset logscale y
set datafile missing "-"
set output sprintf("%s/peers.svg", folder)
set title "all that one operation costs, in instructions; the device in QEMU's process is 1"
set ylabel "against in-process"
set yrange [0:*]
set xtics norotate
set bmargin 4
set key top right
plot peers using 2:xtic(1) title "in-process" lc rgb "#4e9a06", \
	"" using 3 title "user device" lc rgb vcpu, \
	"" using 4 title "socket" lc rgb emulator, \
	"" using 5 title "vhost-user" lc rgb "#75507b", \
	"" using 6 title "vfio-user" lc rgb "#a40000"

# DMA behind a vIOMMU
set output sprintf("%s/dma.svg", folder)
set title "a move of four bytes by DMA, behind intel-iommu"
set ylabel "thousand instructions per move"
unset logscale y
set yrange [0:*]
dma(path) = sprintf("< awk -F'\\t' '$6 == \"%s\"' %s/dma.tsv", path, folder)
plot dma("in-process") using ($7/1e3):xtic(3) title "in-process" lc rgb "#4e9a06", \
	dma("user-device") using ($7/1e3) title "remote" lc rgb vcpu
