/* SPDX-License-Identifier: ISC */
/* Small languages that clients write: members in a JSON patch, ranges of bytes. Pure; any thread.
 */
#ifndef FAKECLOUD_OS_WORDS_H
#define FAKECLOUD_OS_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#define FOS_MEMBER_MAX 256

/* "/name", with ~1 for a slash and ~0 for a tilde (RFC 6901); members have no members. False: it is
 * none. */
bool fos_pointer_read(const char *path, char name[FOS_MEMBER_MAX]);

/* "bytes=5-9", "bytes=5-", "bytes=-3" of so many (RFC 9110). 0: no range that counts (NULL: none
 * was said); -1: none of it is there; 1: *ret_len from *ret_at on, which are untouched otherwise.
 */
int fos_byte_range(const char *text, uint64_t size, uint64_t *ret_at, uint64_t *ret_len);

#endif
