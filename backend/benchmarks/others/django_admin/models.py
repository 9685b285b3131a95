from django.db import models


class User(models.Model):
    id = models.BigAutoField(primary_key=True)
    email = models.TextField()
    username = models.TextField()

    class Meta:
        managed = False
        db_table = "users"

    def __str__(self) -> str:
        return str(self.username)


class Status(models.TextChoices):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


class Ticket(models.Model):
    id = models.BigAutoField(primary_key=True)
    owner = models.ForeignKey(User, models.PROTECT)
    spent_on = models.DateField()
    amount = models.DecimalField(max_digits=13, decimal_places=3)
    currency = models.CharField(max_length=3)
    category = models.TextField()
    description = models.TextField()
    status = models.TextField(choices=Status)
    created_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "tickets"
