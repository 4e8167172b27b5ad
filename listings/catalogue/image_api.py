"""API of the pictures of listings."""

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from listings.catalogue import selling
from listings.catalogue.serializers import ListingImageSerializer, UploadSerializer
from listings.refusals import (
    BadImage,
    ImagesBusy,
    ImageTooLarge,
    ListingNotFound,
    NotYours,
    TooManyImages,
    WithdrawnByStaff,
)
from microstore.auth.authentication import account_id
from microstore.http.problems import refuses


class ImagesView(APIView):
    """The pictures of a listing."""

    parser_classes = (MultiPartParser,)
    throttle_scope = "images"

    @extend_schema(request=UploadSerializer, responses={201: ListingImageSerializer})
    @refuses(ListingNotFound, NotYours, BadImage, ImageTooLarge, TooManyImages, ImagesBusy)
    def post(self, request: Request, listing_id: str) -> Response:
        """Add a picture: JPEG, PNG, WebP or HEIC. It is encoded again, without its metadata."""
        listing = selling.own_listing(int(listing_id), seller_id=account_id(request))
        upload = request.FILES.get("image")
        if not isinstance(upload, UploadedFile) or not upload.size:
            raise ValidationError({"image": ["Send a file as the form field image."]})
        image = selling.add_image(listing, upload)
        return Response(ListingImageSerializer(image, context={"request": request}).data, 201)


class ImageView(APIView):
    """One picture of a listing."""

    @extend_schema(request=None, responses={204: OpenApiResponse(description="Deleted.")})
    @refuses(ListingNotFound, NotYours, WithdrawnByStaff)
    def delete(self, request: Request, listing_id: str, image_id: str) -> Response:
        """Delete a picture of your listing."""
        listing = selling.own_listing(int(listing_id), seller_id=account_id(request))
        selling.remove_image(listing, int(image_id))
        return Response(status=204)
