// SPDX-License-Identifier: GPL-2.0
/*
 * The shared memory, mapped into processes in the way that they chose.
 *
 * BAR2 gets struct pages, and faults insert those. On x86 a mapping by page frame numbers would not
 * do: the kernel takes the type of such a one from its own table of physical ranges, in which a BAR
 * is uncached, and in most guests there is no way to have it otherwise. Elsewhere it does, and
 * takes the place of pages that the kernel has not: tombolo_pages.h.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "tombolo.h"
#include "tombolo_pages.h"

#define TOMBOLO_PIN_POLL_MS 10
#define TOMBOLO_FAULT_BYTES (64 * PAGE_SIZE) /* Inserted at a fault, unless they are there. */

int tombolo_memory_start(struct tombolo_device *device)
{
	struct pci_dev *pdev = device->pdev;
	void *mapped;

	device->pages.type = MEMORY_DEVICE_GENERIC;
	device->pages.range.start = pci_resource_start(pdev, TOMBOLO_MEMORY_BAR);
	device->pages.range.end = pci_resource_end(pdev, TOMBOLO_MEMORY_BAR);
	device->pages.nr_range = 1;
	mapped = tombolo_pages_make(&device->pages, dev_to_node(&pdev->dev));
	if (!IS_ERR(mapped))
		return 0;
	dev_err(&pdev->dev, "shared memory of %llu bytes gets no pages (error %ld), 2 MiB would\n",
		pci_resource_len(pdev, TOMBOLO_MEMORY_BAR), PTR_ERR(mapped));
	return PTR_ERR(mapped);
}

/*
 * Nothing maps the pages any more, so nobody can pin another one; who has one, such as direct I/O
 * under way, is waited for. memunmap_pages() does not: pages of this type have one reference of
 * their own, which it does not count.
 */
static void tombolo_wait_for_pins(struct tombolo_device *device)
{
	const unsigned long first = PHYS_PFN(device->pages.range.start);
	const unsigned long last = PHYS_PFN(device->pages.range.end);
	unsigned long page;
	bool told = false;

	for (page = first; page <= last; page++) {
		while (page_ref_count(pfn_to_page(page)) > 1) {
			if (!told)
				dev_warn(&device->pdev->dev, "pages are in use by I/O: waiting\n");
			told = true;
			msleep(TOMBOLO_PIN_POLL_MS);
		}
		cond_resched();
	}
}

/* After `gone` was set, so that no fault comes between the two. */
void tombolo_memory_stop(struct tombolo_device *device)
{
	if (device->inode)
		unmap_mapping_range(device->inode->i_mapping, 0, 0, 1);
	if (TOMBOLO_HAS_PAGES)
		tombolo_wait_for_pins(device);
	tombolo_pages_end(&device->pages);
}

static vm_fault_t tombolo_insert(struct tombolo_device *device, struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	const unsigned long memory = PHYS_PFN(device->pages.range.start);
	unsigned long address = max(ALIGN_DOWN(vmf->address, TOMBOLO_FAULT_BYTES), vma->vm_start);
	const unsigned long end = min(
		ALIGN_DOWN(vmf->address, TOMBOLO_FAULT_BYTES) + TOMBOLO_FAULT_BYTES, vma->vm_end);
	int error;

	for (; address < end; address += PAGE_SIZE) {
		const unsigned long page = linear_page_index(vma, address);

		/* EBUSY: it is there, from another thread's fault. */
		error = tombolo_insert_page(vma, address, memory + page);
		if (error && error != -EBUSY)
			return error == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
	}
	return VM_FAULT_NOPAGE;
}

static vm_fault_t tombolo_fault(struct vm_fault *vmf)
{
	struct tombolo_file *file = vmf->vma->vm_file->private_data;
	struct tombolo_device *device = file->device;
	vm_fault_t result = VM_FAULT_SIGBUS;

	down_read(&device->alive);
	if (!device->gone)
		result = tombolo_insert(device, vmf);
	up_read(&device->alive);
	return result;
}

static const struct vm_operations_struct tombolo_vm_operations = {
	.fault = tombolo_fault,
};

static void tombolo_set_flags(struct vm_area_struct *vma, unsigned long set, unsigned long clear)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

static pgprot_t tombolo_protection(u32 mapping, pgprot_t cached)
{
	switch (mapping) {
	case TOMBOLO_MAP_WRITE_COMBINING:
		return pgprot_writecombine(cached);
	case TOMBOLO_MAP_UNCACHED:
		return pgprot_noncached(cached);
	default:
		return cached;
	}
}

/* Under file->lock. What mprotect() and mremap() can do later stays within what is decided here. */
int tombolo_memory_map(struct tombolo_file *file, struct vm_area_struct *vma)
{
	const struct tombolo_rights *rights = &file->rights;
	const struct tombolo_device *device = file->device;
	const u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	const u64 bytes = vma->vm_end - vma->vm_start;
	unsigned long set = TOMBOLO_VM_PAGES | VM_DONTEXPAND | VM_DONTDUMP;
	bool may_write = !(rights->flags & TOMBOLO_READ_ONLY);
	u32 mapping = file->mapping;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff > device->memory_bytes >> PAGE_SHIFT)
		return -EINVAL;
	if (offset < rights->window_offset ||
	    offset - rights->window_offset > rights->window_bytes ||
	    bytes > rights->window_bytes - (offset - rights->window_offset))
		return -EPERM;
	if (device->v2.peers) {
		const struct tombolo_section section = tombolo_v2_section(device, offset);

		if (bytes > section.bytes - (offset - section.begin))
			return -EINVAL;
		if (!section.own) {
			may_write = false;
			mapping = TOMBOLO_MAP_UNCACHED;
			set |= VM_IO; /* Nothing pins its pages. */
		}
	}
	if (!may_write && vma->vm_flags & VM_WRITE)
		return -EPERM;
	tombolo_set_flags(vma, set, may_write ? 0 : VM_MAYWRITE);
	vma->vm_page_prot = tombolo_protection(mapping, vma->vm_page_prot);
	vma->vm_ops = &tombolo_vm_operations;
	return 0;
}
