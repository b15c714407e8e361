/* SPDX-License-Identifier: ISC */
#include "netlink.h"

#include <linux/netlink.h>
#include <string.h>

/* Room for `len` bytes at the end, zeroed and rounded up; NULL when there is none. */
static uint8_t *grow(struct car_nl *nl, size_t len)
{
    size_t rounded = NLMSG_ALIGN(len);
    uint8_t *at = nl->bytes + nl->len;
    uint32_t total;

    if (nl->full || rounded > CAR_NL_BYTES - nl->len) {
        nl->full = true;
        return NULL;
    }
    memset(at, 0, rounded);
    nl->len += rounded;
    total = (uint32_t)nl->len;
    memcpy(nl->bytes, &total, sizeof total);
    return at;
}

void car_nl_begin(struct car_nl *nl, uint16_t type, uint16_t flags, const void *fixed, size_t len)
{
    struct nlmsghdr header = {.nlmsg_type = type,
                              .nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST | NLM_F_ACK)};
    uint8_t *at;

    nl->len = 0;
    nl->full = false;
    at = grow(nl, sizeof header + len);
    if (at == NULL)
        return;
    header.nlmsg_len = (uint32_t)nl->len;
    memcpy(at, &header, sizeof header);
    memcpy(at + sizeof header, fixed, len);
}

void car_nl_put(struct car_nl *nl, uint16_t type, const void *data, size_t len)
{
    struct nlattr head = {.nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type};
    uint8_t *at = len > CAR_NL_BYTES ? NULL : grow(nl, (size_t)NLA_HDRLEN + len);

    if (at == NULL) {
        nl->full = true;
        return;
    }
    memcpy(at, &head, sizeof head);
    if (len > 0)
        memcpy(at + NLA_HDRLEN, data, len);
}

void car_nl_text(struct car_nl *nl, uint16_t type, const char *text)
{
    car_nl_put(nl, type, text, strlen(text) + 1);
}

void car_nl_u32(struct car_nl *nl, uint16_t type, uint32_t value)
{
    car_nl_put(nl, type, &value, sizeof value);
}

size_t car_nl_nest(struct car_nl *nl, uint16_t type)
{
    size_t nest = nl->len;

    car_nl_put(nl, type, NULL, 0);
    return nest;
}

void car_nl_close(struct car_nl *nl, size_t nest)
{
    uint16_t len = (uint16_t)(nl->len - nest);

    if (!nl->full)
        memcpy(nl->bytes + nest, &len, sizeof len);
}

bool car_nl_acknowledged(const uint8_t *bytes, size_t len, uint32_t seq, int *ret_error)
{
    struct nlmsghdr header;
    size_t at = 0;

    while (len - at >= sizeof header) {
        memcpy(&header, bytes + at, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > len - at)
            return false;
        if (header.nlmsg_type == NLMSG_ERROR && header.nlmsg_seq == seq &&
            header.nlmsg_len >= sizeof header + sizeof *ret_error) {
            memcpy(ret_error, bytes + at + sizeof header, sizeof *ret_error);
            return true;
        }
        if (NLMSG_ALIGN(header.nlmsg_len) > len - at)
            return false;
        at += NLMSG_ALIGN(header.nlmsg_len);
    }
    return false;
}
