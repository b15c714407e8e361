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

/* The text among the attributes of an answer (NETLINK_EXT_ACK). */
static void take_reason(const uint8_t *at, size_t len, struct car_nl_answer *ret)
{
    struct nlattr head;

    while (len >= sizeof head) {
        memcpy(&head, at, sizeof head);
        if (head.nla_len < sizeof head || head.nla_len > len)
            return;
        if (head.nla_type == NLMSGERR_ATTR_MSG) {
            size_t text = head.nla_len - sizeof head;

            if (text >= sizeof ret->reason)
                text = sizeof ret->reason - 1;
            memcpy(ret->reason, at + sizeof head, text);
            return;
        }
        if (NLA_ALIGN((size_t)head.nla_len) > len)
            return;
        at += NLA_ALIGN((size_t)head.nla_len);
        len -= NLA_ALIGN((size_t)head.nla_len);
    }
}

/* An answer repeats the question, or its head alone; its attributes come behind. */
static void take_answer(const struct nlmsghdr *header, const uint8_t *body, size_t len,
                        struct car_nl_answer *ret)
{
    struct nlmsghdr question;
    size_t skip;

    memset(ret, 0, sizeof *ret);
    memcpy(&ret->error, body, sizeof ret->error);
    if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0 || len < sizeof ret->error + sizeof question)
        return;
    memcpy(&question, body + sizeof ret->error, sizeof question);
    skip = sizeof ret->error + ((header->nlmsg_flags & NLM_F_CAPPED) != 0
                                    ? sizeof question
                                    : NLMSG_ALIGN((size_t)question.nlmsg_len));
    if (skip <= len)
        take_reason(body + skip, len - skip, ret);
}

bool car_nl_read(const uint8_t *bytes, size_t len, uint32_t seq, struct car_nl_answer *ret)
{
    struct nlmsghdr header;
    size_t at = 0;

    while (len - at >= sizeof header) {
        memcpy(&header, bytes + at, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > len - at)
            return false;
        if (header.nlmsg_type == NLMSG_ERROR && header.nlmsg_seq == seq &&
            header.nlmsg_len >= sizeof header + sizeof ret->error) {
            take_answer(&header, bytes + at + sizeof header, header.nlmsg_len - sizeof header, ret);
            return true;
        }
        if (NLMSG_ALIGN((size_t)header.nlmsg_len) > len - at)
            return false;
        at += NLMSG_ALIGN((size_t)header.nlmsg_len);
    }
    return false;
}
