// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: attribute FILE
 *
 * In L2: give a file an extended attribute, and find it again; then there is another one,
 * which is removed.
 */
#include <err.h>
#include <string.h>
#include <sys/xattr.h>

#define KEPT	"user.kept"
#define REMOVED	"user.removed"
#define VALUE	"value"

int main(int argc, char **argv)
{
	char names[256], value[16];
	ssize_t len;

	if (argc != 2)
		errx(2, "usage: attribute FILE");
	if (setxattr(argv[1], KEPT, VALUE, strlen(VALUE), 0) ||
	    setxattr(argv[1], REMOVED, VALUE, strlen(VALUE), 0))
		err(1, "cannot set an attribute");
	len = getxattr(argv[1], KEPT, value, sizeof(value));
	if (len != strlen(VALUE) || memcmp(value, VALUE, len))
		errx(1, "an attribute has another value");
	if (removexattr(argv[1], REMOVED))
		err(1, "cannot remove an attribute");
	len = listxattr(argv[1], names, sizeof(names));
	if (len != sizeof(KEPT) || memcmp(names, KEPT, len))
		errx(1, "there are other attributes");
	return 0;
}
