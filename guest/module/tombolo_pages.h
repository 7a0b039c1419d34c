/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How BAR2 gets into a process. With struct pages, where the kernel can make some for the memory of
 * a device: those of x86-64 can, and have to, see tombolo_memory.c. Else, as in Debian's kernel for
 * arm64, by page frame numbers: there the kernel leaves the type of a mapping as it was asked for,
 * but nothing can be pinned, so direct I/O from or to the memory fails with EFAULT.
 */
#ifndef TOMBOLO_PAGES_H
#define TOMBOLO_PAGES_H

#include <linux/memremap.h>
#include <linux/mm.h>

#ifdef CONFIG_ZONE_DEVICE

#define TOMBOLO_HAS_PAGES 1
#define TOMBOLO_VM_PAGES VM_MIXEDMAP

static inline void *tombolo_pages_make(struct dev_pagemap *pages, int node)
{
	return memremap_pages(pages, node);
}

static inline void tombolo_pages_end(struct dev_pagemap *pages)
{
	memunmap_pages(pages);
}

/* 0, -EBUSY if there is one already, or another error. */
static inline int tombolo_insert_page(struct vm_area_struct *vma, unsigned long address,
				      unsigned long frame)
{
	return vm_insert_page(vma, address, pfn_to_page(frame));
}

#else

#ifdef CONFIG_X86
#error "A kernel of x86 without CONFIG_ZONE_DEVICE would map the memory uncached."
#endif
#define TOMBOLO_HAS_PAGES 0
#define TOMBOLO_VM_PAGES VM_PFNMAP

static inline void *tombolo_pages_make(struct dev_pagemap *pages, int node)
{
	return NULL;
}

static inline void tombolo_pages_end(struct dev_pagemap *pages)
{
}

static inline int tombolo_insert_page(struct vm_area_struct *vma, unsigned long address,
				      unsigned long frame)
{
	const vm_fault_t fault = vmf_insert_pfn(vma, address, frame);

	if (fault == VM_FAULT_NOPAGE)
		return 0;
	return fault & VM_FAULT_OOM ? -ENOMEM : -EFAULT;
}

#endif
#endif
