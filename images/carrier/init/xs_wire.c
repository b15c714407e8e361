/* SPDX-License-Identifier: ISC */
#include "xs_wire.h"

#include <string.h>

size_t car_xs_encode(uint8_t *ret, size_t cap, enum car_xs_type type, uint32_t request,
                     const char *first, const char *second, size_t second_len)
{
    size_t first_len = strlen(first) + 1;
    size_t payload = first_len + (second != NULL ? second_len : 0);
    uint32_t head[4] = {type, request, 0, (uint32_t)payload};

    if (payload > CAR_XS_PAYLOAD_MAX || payload + CAR_XS_HEAD > cap)
        return 0;
    memcpy(ret, head, CAR_XS_HEAD);
    memcpy(ret + CAR_XS_HEAD, first, first_len);
    if (second != NULL)
        memcpy(ret + CAR_XS_HEAD + first_len, second, second_len);
    return CAR_XS_HEAD + payload;
}

long car_xs_decode(const uint8_t *bytes, size_t len, struct car_xs_message *ret)
{
    uint32_t head[4];

    if (len < CAR_XS_HEAD)
        return 0;
    memcpy(head, bytes, CAR_XS_HEAD);
    if (head[3] > CAR_XS_PAYLOAD_MAX)
        return -1;
    if (len - CAR_XS_HEAD < head[3])
        return 0;
    ret->type = head[0];
    ret->request = head[1];
    ret->payload = (const char *)bytes + CAR_XS_HEAD;
    ret->payload_len = head[3];
    return (long)(CAR_XS_HEAD + head[3]);
}
