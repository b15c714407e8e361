/* SPDX-License-Identifier: ISC */
/*
 * Text: appending to a bounded buffer, and parsing the few kinds of values the kernel reads. An
 * append that does not fit marks the buffer as full and changes nothing.
 */
#ifndef HELLO_FMT_H
#define HELLO_FMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fmt {
    char *text; /* borrowed; always NUL-terminated */
    size_t len;
    size_t cap; /* including the NUL */
    bool full;  /* something did not fit */
};

void fmt_init(struct fmt *f, char *text, size_t cap);
void fmt_mem(struct fmt *f, const char *text, size_t len);
void fmt_str(struct fmt *f, const char *text);
void fmt_u64(struct fmt *f, uint64_t value);
/* Two digits, with a leading zero when needed; value < 100. */
void fmt_two(struct fmt *f, unsigned value);
/* Dotted quad; ip in host byte order. */
void fmt_ip(struct fmt *f, uint32_t ip);
void fmt_mac(struct fmt *f, const uint8_t mac[6]);
/* A JSON string with its quotes; text must be UTF-8. */
void fmt_json(struct fmt *f, const char *text);
/* Text with the characters that mean something in HTML escaped. */
void fmt_html(struct fmt *f, const char *text);
/* "Sat, 21 Nov 2026 00:01:04 GMT" */
void fmt_date(struct fmt *f, uint32_t unix_s);

/* Divides *value by a divisor of at most 16 bits and answers the remainder. */
uint32_t fmt_divide(uint64_t *value, uint32_t by);

/* Parse the whole of text[0..len). False, and the output untouched, when it is anything else. */
bool fmt_parse_u32(const char *text, size_t len, uint32_t *ret);
bool fmt_parse_ip(const char *text, size_t len, uint32_t *ret);

/* Valid UTF-8 without control characters? */
bool fmt_is_clean_utf8(const char *text, size_t len);
bool fmt_same(const char *a, size_t len, const char *b);
/* As fmt_same, without regard to the case of ASCII letters. */
bool fmt_same_nocase(const char *a, size_t len, const char *b);

#endif
