/* SPDX-License-Identifier: ISC */
#include "dns.h"

#include <string.h>

#include "bytes.h"

#define HEAD_BYTES 12U
#define LABEL_MAX 63U
#define NAME_MAX_BYTES 253U
#define RECORDS_MAX 32 /* looked at in one answer */
#define TYPE_A 1
#define CLASS_IN 1

/* Labels with their lengths; NULL when one of them is empty or too long. */
static uint8_t *put_name(uint8_t *at, const char *host)
{
    while (*host != '\0') {
        size_t len = strcspn(host, ".");

        if (len == 0 || len > LABEL_MAX)
            return NULL;
        *at++ = (uint8_t)len;
        memcpy(at, host, len);
        at += len;
        host += len;
        if (*host == '.')
            host++;
    }
    *at++ = 0;
    return at;
}

size_t car_dns_write(const char *host, uint16_t id, uint8_t message[CAR_DNS_BYTES])
{
    uint8_t *at;

    if (*host == '\0' || strlen(host) > NAME_MAX_BYTES)
        return 0;
    memset(message, 0, HEAD_BYTES);
    put16(message, id);
    put16(message + 2, 0x0100); /* please recurse */
    put16(message + 4, 1);
    at = put_name(message + HEAD_BYTES, host);
    if (at == NULL)
        return 0;
    put16(at, TYPE_A);
    put16(at + 2, CLASS_IN);
    return (size_t)(at + 4 - message);
}

/* Behind the name at `at`: labels until the empty one or a pointer. 0: it is not whole. */
static size_t skip_name(const uint8_t *message, size_t len, size_t at)
{
    while (at < len) {
        if (message[at] == 0)
            return at + 1;
        if (message[at] >= 0xc0)
            return at + 2;
        at += 1U + message[at];
    }
    return 0;
}

/* An answer, with the number and the question as they were asked. */
static bool is_ours(const uint8_t *message, size_t len, const uint8_t *question,
                    size_t question_len)
{
    return len >= question_len && question_len >= HEAD_BYTES && memcmp(message, question, 2) == 0 &&
           (message[2] & 0x80) != 0 && get16(message + 4) == 1 &&
           memcmp(message + HEAD_BYTES, question + HEAD_BYTES, question_len - HEAD_BYTES) == 0;
}

enum car_dns_answer car_dns_read(const uint8_t *message, size_t len, const uint8_t *question,
                                 size_t question_len, uint32_t *ret_ip)
{
    size_t at = question_len;
    unsigned records;

    if (!is_ours(message, len, question, question_len))
        return CAR_DNS_NOT_OURS;
    records = get16(message + 6);
    for (unsigned i = 0; i < records && i < RECORDS_MAX; i++) {
        size_t data_len;

        at = skip_name(message, len, at);
        if (at == 0 || at > len || len - at < 10)
            return CAR_DNS_NONE;
        data_len = get16(message + at + 8);
        if (len - at - 10 < data_len)
            return CAR_DNS_NONE;
        if (get16(message + at) == TYPE_A && get16(message + at + 2) == CLASS_IN && data_len == 4) {
            *ret_ip = get32(message + at + 10);
            return CAR_DNS_ADDRESS;
        }
        at += 10 + data_len;
    }
    return CAR_DNS_NONE;
}
