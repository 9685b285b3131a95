from django.contrib import admin

from benchmarks.others.django_admin.models import Ticket


@admin.register(Ticket)
class TicketAdmin(admin.ModelAdmin):
    list_display = (
        *("id", "owner", "spent_on", "amount", "currency"),
        *("category", "description", "status", "created_at"),
    )
    list_filter = ("status",)
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("description", "owner__username", "owner__email")
