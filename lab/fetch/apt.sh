# SPDX-License-Identifier: GPL-2.0
#
# A private APT: the machine's own Debian archive, with the suites that the lab
# needs, and all state below build/apt.  Sourced after lib.sh.

APT=$BUILD/apt

# apt TOOL ARGUMENT...: an APT tool with the private configuration.
apt() {
	local tool=$1

	shift
	"$tool" -q -c "$APT/apt.conf" "$@"
}

# The machine's proxies, credentials and options still hold: this file is read
# after the machine's own.  What would write outside build/ is taken out.
apt_configure() {
	mkdir -p "$APT"/{lists/partial,cache/archives/partial,sources}
	cat >"$APT/apt.conf" <<-END
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Post-Invoke;
		APT::Default-Release "";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Dir::Cache "$APT/cache";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::Etc::SourceList "/dev/null";
		Dir::Etc::SourceParts "$APT/sources";
		Dir::State::Lists "$APT/lists";
	END
}

# The machine may have other archives with a suite called bookworm: only what
# presents itself, signed, as Debian is asked for further suites.
apt_debian_uris() {
	apt apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' |
		sed -n 's/^Debian //p' | sort -u
}

apt_has_kind() {
	grep -Eq "^Suites:.*\\b$1\\b" "$APT/sources/lab.sources"
}

apt_write_sources() {
	local uris

	mapfile -t uris < <(apt_debian_uris)
	"$LAB/fetch/apt-sources.py" derived "${uris[@]}" \
		<"$APT/candidates" >"$APT/sources/lab.sources"
	apt_has_kind trixie && apt_has_kind bookworm-security ||
		die "the machine's APT sources lack Debian's bookworm or bookworm-security archive" \
		    "see /etc/apt/sources.list and /etc/apt/sources.list.d"
}

apt_update() {
	apt_configure
	"$LAB/fetch/apt-sources.py" candidates >"$APT/candidates"
	[ -s "$APT/candidates" ] ||
		die "the machine's APT sources have no Debian 12 archive" \
		    "see /etc/apt/sources.list and /etc/apt/sources.list.d"
	cp "$APT/candidates" "$APT/sources/lab.sources"
	apt apt-get update
	apt_write_sources
	apt apt-get -o APT::Update::Error-Mode=any update
}

# apt_versions PACKAGE: its versions, newest first.
apt_versions() {
	apt apt-cache madison "$1" | grep -v ' Sources$' |
		awk -F ' *[|] *' '{ print $2 }' | sort -uVr
}

# apt_source_versions SOURCE: the same for a source package.
apt_source_versions() {
	apt apt-cache madison "$1" | grep ' Sources$' |
		awk -F ' *[|] *' '{ print $2 }' | sort -uVr
}

# apt_names PREFIX: the packages whose names begin so.
apt_names() {
	apt apt-cache pkgnames "$1"
}
