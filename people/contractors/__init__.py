"""Maintenance contractors (维保单位): who maintains which equipment, whom to call, who works for them."""
