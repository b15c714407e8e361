/* SPDX-License-Identifier: ISC */
/* Which of Solo5's tenders a kernel is for, as the notes of its file say. Pure. */
#ifndef CAR_SOLO5_KIND_H
#define CAR_SOLO5_KIND_H

#include <stddef.h>

enum car_solo5_kind { CAR_SOLO5_UNSAID, CAR_SOLO5_HVT, CAR_SOLO5_SPT };

/* Any bytes may come: what is no such kernel, or is for another target, is UNSAID. */
enum car_solo5_kind car_solo5_kind(const unsigned char *file, size_t len);

#endif
