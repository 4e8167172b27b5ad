"""API of the pictures of listings."""

from typing import Any

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from listings.catalogue import picture_files, selling
from listings.catalogue.picture_visibility import find_seen
from listings.catalogue.serializers import ImageOrderSerializer, ListingImageSerializer, UploadSerializer
from listings.models import ListingImage
from listings.refusals import (
    BadImage,
    EditionOutdated,
    ImagesBusy,
    ImageTooLarge,
    ListingNotFound,
    NotYours,
    TooManyImages,
    WithdrawnByStaff,
)
from microstore.auth.authentication import TokenAuthentication, account_id
from microstore.http.problems import refuses
from microstore.http.serializers import name_unknown


class ImagesView(APIView):
    """The pictures of a listing."""

    parser_classes = (MultiPartParser,)
    throttle_scope = "images"

    @extend_schema(request=UploadSerializer, responses={201: ListingImageSerializer})
    @refuses(ListingNotFound, NotYours, BadImage, ImageTooLarge, TooManyImages, ImagesBusy, WithdrawnByStaff)
    def post(self, request: Request, listing_id: str) -> Response:
        """Add a picture: JPEG, PNG, WebP or HEIC. It is encoded again, without its metadata."""
        listing = selling.own_listing(int(listing_id), seller_id=account_id(request))
        image = selling.add_image(listing, *selling.draw_uploads([_read_upload(request)]))
        return Response(ListingImageSerializer(image, context={"request": request}).data, 201)


def _read_upload(request: Request) -> "UploadedFile[Any]":
    uploads: list[UploadedFile[Any]] = request.FILES.getlist("image")
    if len(uploads) != 1 or not uploads[0].size:
        raise ValidationError({"image": ["Send one file as the form field image."]})
    if unknown := sorted(set(request.data) - {"image"}):
        raise ValidationError(name_unknown(unknown, "Unknown field."))
    return uploads[0]


class ImageOrderView(APIView):
    """The order of the pictures of a listing."""

    @extend_schema(request=ImageOrderSerializer, responses=ListingImageSerializer(many=True))
    @refuses(ListingNotFound, NotYours, EditionOutdated, WithdrawnByStaff)
    def put(self, request: Request, listing_id: str) -> Response:
        """Put the pictures of your listing in another order; lists and orders show the first one."""
        listing = selling.own_listing(int(listing_id), seller_id=account_id(request))
        body = ImageOrderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        selling.order_images(listing, body.validated_data["images"])
        images = ListingImage.objects.filter(listing=listing)
        return Response(ListingImageSerializer(images, many=True, context={"request": request}).data)


class ImageView(APIView):
    """One picture of a listing."""

    @extend_schema(responses={204: OpenApiResponse(description="Deleted.")})
    @refuses(ListingNotFound, NotYours, WithdrawnByStaff)
    def delete(self, request: Request, listing_id: str, image_id: str) -> Response:
        """Delete a picture of your listing."""
        listing = selling.own_listing(int(listing_id), seller_id=account_id(request))
        selling.remove_image(listing, int(image_id))
        return Response(status=204)


@extend_schema(exclude=True)  # clients find its addresses in listings
class PictureView(APIView):
    """A picture of a listing that is not on sale, for a browser's session or a program's token."""

    authentication_classes = (TokenAuthentication, SessionAuthentication)
    permission_classes = (AllowAny,)

    def get(self, request: Request, image_id: str, size: str) -> HttpResponse:
        """Return the JPEG to those who may see it; 404 to anybody else."""
        image = find_seen(int(image_id), request.user)
        if image is None:
            raise NotFound("There is no such picture.")
        try:
            with default_storage.open(getattr(picture_files.names_of(image), size)) as file:
                content: Any = file.read()
        except FileNotFoundError as error:
            raise NotFound("There is no such picture.") from error
        return HttpResponse(content, content_type="image/jpeg", headers={"Cache-Control": "no-store"})
