/* SPDX-License-Identifier: ISC */
#include "images/table_id.h"

#include "table_digest.h"

#define TEXT(word) #word
#define TEXT_OF(macro) TEXT(macro)

const char *img_table_id(void)
{
    return TEXT_OF(TABLE_DIGEST);
}
